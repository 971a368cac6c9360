import { isUndefined, type Measure } from './measure.ts';

/** A measure as answers have it. */
export function toMeasure(measure: Measure) {
  return isUndefined(measure)
    ? { method: measure.method, undefinedReason: measure.undefined }
    : { method: measure.method, value: measure.value };
}
