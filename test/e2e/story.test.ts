import { describeStory } from '../support/story.ts';

describeStory('the embedded engines', () => ({}));
