import { StoreFault, type StoreFaultCode } from '../kernel/fault.ts';
import { type Rejection, reject, rejectField } from '../kernel/rejection.ts';
import type { Log } from '../kernel/telemetry.ts';
import { InvalidCursor, type ReadModel, type ReadModels } from './read-models.ts';

/** A read that could not be answered for a reason that the caller may know. */
export class RefusedRead extends Error {
  override readonly name = 'RefusedRead';
  readonly rejection: Rejection;

  constructor(rejection: Rejection, options: ErrorOptions) {
    super(rejection.message, options);
    this.rejection = rejection;
  }
}

/** Faults that may pass by themselves. */
const passing: readonly StoreFaultCode[] = ['STORE_UNAVAILABLE', 'STORE_BUSY', 'STORE_CLOSED'];

/** The read models, with their faults told as refusals that name the view. */
export function refusingFaults(readModels: ReadModels, log: Log): ReadModels {
  const guarded = async <Found>(model: ReadModel, read: Promise<Found>): Promise<Found> => {
    try {
      return await read;
    } catch (error) {
      throw refused(model, error, log);
    }
  };
  return {
    progress: (model) => guarded(model, readModels.progress(model)),
    get: (model, id) => guarded(model, readModels.get(model, id)),
    getMany: (model, ids) => guarded(model, readModels.getMany(model, ids)),
    list: (model, request) => guarded(model, readModels.list(model, request)),
    search: (model, request) => guarded(model, readModels.search(model, request)),
    refresh: (model) => guarded(model, readModels.refresh(model)),
    ...(readModels.shownWithinMs !== undefined && { shownWithinMs: readModels.shownWithinMs }),
    [Symbol.asyncDispose]: () => readModels[Symbol.asyncDispose](),
  };
}

function refused(model: ReadModel, error: unknown, log: Log): unknown {
  if (error instanceof InvalidCursor) {
    const message = 'the cursor is damaged, or belongs to another question';
    return new RefusedRead(rejectField('CURSOR_INVALID', 'page.cursor', message), { cause: error });
  }
  if (error instanceof StoreFault && passing.includes(error.code)) {
    log.warn({ err: error, view: model.name }, 'a view cannot be read');
    const message = `the view '${model.name}' cannot be read at the moment`;
    const details = { view: model.name };
    return new RefusedRead(reject('UNAVAILABLE', 'VIEW_UNAVAILABLE', message, { details }), {
      cause: error,
    });
  }
  return error;
}

/** Gives a refused read back as the value that it is. */
export async function orRefusal<Value>(reading: Promise<Value>): Promise<Value | Rejection> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof RefusedRead) return error.rejection;
    throw error;
  }
}
