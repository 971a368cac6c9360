import {
  createEventStoreDb,
  createEventStoreDbSource,
} from '../../src/engines/eventstoredb/store.ts';
import { eventStoreServer } from '../support/event-store-server.ts';
import { describeEventStoreContract, type OpenEventStore } from './event-store-contract.ts';

const server = eventStoreServer();

async function open(): Promise<OpenEventStore> {
  const connectionString = `esdb://127.0.0.1:${server.port()}?tls=false`;
  const store = createEventStoreDb({ connectionString });
  const source = createEventStoreDbSource({ connectionString });
  const close = async () => {
    await store[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
  };
  return {
    store,
    source,
    reopen: async () => {
      await close();
      return await open();
    },
    close,
  };
}

describeEventStoreContract("EventStoreDB's client over the protocol of the embedded log", open);
