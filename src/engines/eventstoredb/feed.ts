import type { AllStreamSubscription } from '@eventstore/db-client';
import type { RecordedEvent } from '../../kernel/event.ts';
import { StoreFault } from '../../kernel/fault.ts';
import { toRecordedEvent } from './events.ts';
import { toStoreFault } from './faults.ts';

/** What the client keeps of the log while it is not asked for more. */
export const readAhead = 512;

const what = 'the subscription to the log ended';

/** The subscription as something to ask: `wait` is false when the signal has aborted. */
export function createFeed(subscription: AllStreamSubscription, signal: AbortSignal) {
  let failure: unknown;
  let isOver = false;
  let wake = () => {};
  const fail = (error: unknown) => {
    failure ??= error;
    isOver = true;
    wake();
  };
  const awaken = () => wake();
  subscription.on('readable', awaken);
  subscription.on('error', fail);
  subscription.on('end', () => fail(ended('the server ended it')));
  subscription.on('close', () => fail(ended('its connection closed')));
  signal.addEventListener('abort', awaken);

  async function wait(): Promise<boolean> {
    while (!signal.aborted) {
      if (subscription.readableLength > 0) return true;
      if (isOver) throw toStoreFault(failure, what);
      await new Promise<void>((resolve) => {
        wake = resolve;
        // What came between the look and now.
        if (subscription.readableLength > 0 || isOver || signal.aborted) resolve();
        // Without it, a stream that was read empty does not ask for more.
        else subscription.read(0);
      });
    }
    return false;
  }

  function next(): RecordedEvent | undefined {
    const resolved = subscription.read();
    return resolved?.event === undefined || resolved === null
      ? undefined
      : toRecordedEvent(resolved.event);
  }

  async function close(): Promise<void> {
    signal.removeEventListener('abort', awaken);
    subscription.off('error', fail);
    subscription.on('error', () => {});
    await subscription.unsubscribe();
    // A stream that is full never ends.
    subscription.resume();
  }

  return { wait, next, isEmpty: () => subscription.readableLength === 0, close };
}

function ended(how: string): StoreFault {
  return new StoreFault('STORE_UNAVAILABLE', `${what}: ${how}`);
}
