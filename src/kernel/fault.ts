/**
 * What went wrong with a store. Refusals are values; this is an exception.
 * UNAVAILABLE and BUSY may pass by themselves, FULL when somebody makes room; CORRUPT does not, and
 * TOO_LARGE is what is to be stored.
 */
export type StoreFaultCode =
  | 'STORE_UNAVAILABLE'
  | 'STORE_BUSY'
  | 'STORE_FULL'
  | 'STORE_TOO_LARGE'
  | 'STORE_READ_ONLY'
  | 'STORE_CORRUPT'
  | 'STORE_CLOSED'
  | 'STORE_FAILED';

/** A store could not do what was asked. Nothing of the call has taken effect unless it says so. */
export class StoreFault extends Error {
  override readonly name = 'StoreFault';
  readonly code: StoreFaultCode;

  constructor(code: StoreFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
