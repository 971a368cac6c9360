import { randomUUID } from 'node:crypto';
import { afterAll } from '@jest/globals';
import { dropEverything } from '../support/elasticsearch.ts';
import { describeStory } from '../support/story.ts';

const prefix = `story-${randomUUID().slice(0, 8)}`;
afterAll(() => dropEverything(prefix));

describeStory("EventStoreDB's protocol and Elasticsearch", () => ({
  EVENTSTORE_URL: process.env.EVENTSTORE_URL,
  ELASTICSEARCH_URL: process.env.ELASTICSEARCH_URL,
  ELASTICSEARCH_INDEX_PREFIX: prefix,
}));
