import { eventStoreServer } from '../support/event-store-server.ts';
import { describeProcesses } from '../support/process-story.ts';

// KILL_EVERY=1 npm test -- e2e/processes: after every event. Some of them are run every time.
const killEvery = Number(process.env.KILL_EVERY ?? 3);

describeProcesses('the embedded engines', { killEvery });

const server = eventStoreServer();
describeProcesses("EventStoreDB's protocol", {
  environment: () => ({ EVENTSTORE_URL: `esdb://127.0.0.1:${server.port()}?tls=false` }),
  killEvery: killEvery + 1,
});
