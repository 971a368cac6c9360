import { type Rejection, reject } from './rejection.ts';

const mostShown = 100;

/**
 * What a message has a field for may come as a header too. Where both are there, neither wins:
 * whoever says two things is told so.
 */
export function refuseOtherInHeader(
  field: string,
  inMessage: string,
  header: string,
  inHeader: string | undefined,
): Rejection | undefined {
  if (inHeader === undefined || inHeader === '' || inHeader === inMessage) return undefined;
  const message =
    `${field} is '${inMessage.slice(0, mostShown)}', the header ${header} ` +
    `'${inHeader.slice(0, mostShown)}'; where both are there they have to be the same`;
  const fields = [field, header].map((name) => ({ field: name, rule: 'HEADER_DIFFERS', message }));
  return reject('INVALID', 'HEADER_DIFFERS', message, { fields });
}
