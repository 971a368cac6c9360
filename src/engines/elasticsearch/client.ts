import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Client, type ClientOptions, Transport } from '@elastic/elasticsearch';
import { StoreFault } from '../../kernel/fault.ts';

export type ElasticsearchOptions = {
  /** Of one node or of what stands before the cluster. */
  readonly url: string;
  /** Every index and alias begins with it: lower case letters, digits, `_`, `-`, from a letter on. */
  readonly indexPrefix: string;
  /** For each request. The client has none by itself: a server that hangs would be waited for. */
  readonly requestTimeoutMs: number;
  readonly auth?:
    | { readonly apiKey: string }
    | { readonly username: string; readonly password: string };
  /** PEM. What else the machine trusts is not asked then. */
  readonly caFile?: string;
  /** After so long at most, lists and searches show what has been applied. 500 by default. */
  readonly refreshIntervalMs?: number;
};

/**
 * Speaks so that servers of the versions 8 and 9 understand: an 8 refuses what a client of version 9
 * says by default, and a 9 takes the words of an 8.
 */
class CompatibleTransport extends Transport {
  constructor(options: ConstructorParameters<typeof Transport>[0]) {
    const json = 'application/vnd.elasticsearch+json; compatible-with=8';
    super({
      ...options,
      vendoredHeaders: {
        jsonContentType: json,
        ndjsonContentType: 'application/vnd.elasticsearch+x-ndjson; compatible-with=8',
        accept: `${json},text/plain`,
      },
    });
  }
}

/**
 * A client that waits for no request longer than it is told to and repeats none by itself: who asks
 * knows what may be repeated.
 *
 * @throws StoreFault where the prefix cannot be one or the CA file cannot be read
 */
export function createClient(options: ElasticsearchOptions): Client {
  const { url, indexPrefix, requestTimeoutMs, auth, caFile } = options;
  if (!/^[a-z][a-z0-9_-]{0,79}$/.test(indexPrefix)) {
    throw new StoreFault('STORE_FAILED', `"${indexPrefix}" cannot be the prefix of an index`);
  }
  const settings: ClientOptions = {
    node: url,
    name: 'cipherhorizon',
    Transport: CompatibleTransport as NonNullable<ClientOptions['Transport']>,
    requestTimeout: requestTimeoutMs,
    maxRetries: 0,
    // A document may have a field of any name. JSON.parse makes "__proto__" an ordinary property.
    disablePrototypePoisoningProtection: true,
    ...(auth === undefined ? {} : { auth }),
    ...(caFile === undefined ? {} : { tls: { ca: readCa(caFile) } }),
  };
  return new Client(settings);
}

function readCa(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    // What is none would be left out without a word, and every server distrusted.
    new X509Certificate(text);
    return text;
  } catch (error) {
    const message = `cannot read the CA file ${path}: ${(error as Error).message}`;
    throw new StoreFault('STORE_FAILED', message, { cause: error });
  }
}
