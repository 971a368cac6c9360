import { isIPv4 } from 'node:net';

export type ListenAddress = {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
};

/** Certificate chain and private key in PEM. */
export type TlsFiles = { readonly cert: Buffer; readonly key: Buffer };

export type Listener = {
  readonly port: number;
  /** Accepts no more, lets what is being sent go out, and cuts what is left when patience ends. */
  readonly close: (patience: Promise<void>) => Promise<void>;
};

/** Whether the host, as configured or as a request names it, is this machine alone. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1' || host === '[::1]') return true;
  return isIPv4(host) && host.startsWith('127.');
}
