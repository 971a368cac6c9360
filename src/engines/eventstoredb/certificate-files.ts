import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Options of the client that name files; their case does not matter to it, nor do `-` and `_`. */
const options = new Map([
  ['tlscafile', 'tlsCAFile'],
  ['usercertfile', 'userCertFile'],
  ['userkeyfile', 'userKeyFile'],
]);

/** What is wrong with a file that the connection string names; undefined where nothing is. */
export function problemWithFiles(connectionString: string): string | undefined {
  const [, query = ''] = connectionString.split('?', 2);
  for (const pair of query.split('&')) {
    const [name = '', value = ''] = pair.split('=', 2);
    const option = options.get(name.toLowerCase().replace(/[_-]/g, ''));
    if (option === undefined) continue;
    try {
      const text = readFileSync(decodeURIComponent(value), 'utf8');
      // The client takes any text for a certificate, and then trusts nobody.
      if (option !== 'userKeyFile') new X509Certificate(text);
    } catch (error) {
      return `its ${option} cannot be read: ${value}: ${(error as Error).message}`;
    }
  }
  return undefined;
}
