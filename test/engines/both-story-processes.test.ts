import { randomUUID } from 'node:crypto';
import { afterAll } from '@jest/globals';
import { dropEverything } from '../support/elasticsearch.ts';
import { describeProcesses } from '../support/process-story.ts';

const prefix = `processes-${randomUUID().slice(0, 8)}`;
afterAll(() => dropEverything(prefix));

describeProcesses("EventStoreDB's protocol and Elasticsearch", {
  killEvery: Number(process.env.KILL_EVERY ?? 3),
  environment: () => ({
    EVENTSTORE_URL: process.env.EVENTSTORE_URL,
    ELASTICSEARCH_URL: process.env.ELASTICSEARCH_URL,
    ELASTICSEARCH_INDEX_PREFIX: prefix,
  }),
});
