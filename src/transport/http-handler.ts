import type { UniversalServerRequest } from '@connectrpc/connect/protocol';
import {
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { Log } from '../kernel/telemetry.ts';
import { createRoutes } from './connect-routes.ts';
import type { Readiness } from './health.ts';
import type { HttpRequest, HttpResponse } from './http-listener.ts';
import { sendFailure, sendRpcUnknown } from './http-refusals.ts';
import type { ServerLimits } from './limits.ts';
import { isLoopback } from './listener.ts';
import type { MetricsText } from './metrics.ts';
import type { ServedService, Serving } from './served.ts';
import { failure, statusCode } from './status.ts';

const hostForeign = failure(
  statusCode.PERMISSION_DENIED,
  'HOST_NOT_LOCAL',
  'the host is not this machine',
);
const hostMissing = failure(
  statusCode.INVALID_ARGUMENT,
  'HOST_MISSING',
  'the request names no host',
);
const pathUnknown = failure(
  statusCode.UNIMPLEMENTED,
  'PATH_UNKNOWN',
  'there is nothing at this path',
);
const methodUnknown = failure(
  statusCode.UNIMPLEMENTED,
  'METHOD_UNKNOWN',
  'only GET is served at this path',
);

type Page = (response: HttpResponse) => void | Promise<void>;

/** Answers every HTTP request: RPCs, metrics and probes. Never throws. */
export function createHttpHandler(options: {
  readonly serving: Serving;
  readonly services: readonly ServedService[];
  readonly limits: ServerLimits;
  readonly readiness: () => Readiness;
  readonly metrics: MetricsText;
  /** Serves only requests that name this machine's own address: without authentication. */
  readonly isLocalOnly: boolean;
  readonly log: Log;
}): (request: HttpRequest, response: HttpResponse) => void {
  const { serving, services, limits, readiness, metrics, isLocalOnly, log } = options;
  const routes = new Map(
    createRoutes(serving, services, limits).map((route) => [route.requestPath, route]),
  );
  const pages = new Map<string, Page>([
    ['/health/live', (response) => sendJson(response, 200, { status: 'alive' })],
    [
      '/health/ready',
      (response) => {
        const state = readiness();
        sendJson(response, state.ready ? 200 : 503, state);
      },
    ],
    [
      '/metrics',
      async (response) => {
        const text = await metrics.text();
        response.setHeader('Content-Type', metrics.contentType);
        response.end(text);
      },
    ],
  ]);

  async function serve(request: HttpRequest, response: HttpResponse): Promise<void> {
    // A page of the web that has its own name point here could otherwise speak for the user.
    if (isLocalOnly && !isLoopback(hostOf(request))) {
      return sendFailure(response, 403, hostForeign);
    }
    const path = request.url?.split('?', 1)[0] ?? '';
    const route = routes.get(path);
    if (route !== undefined) {
      const call = toCall(request, response);
      if (call === undefined) {
        return sendFailure(response, 400, hostMissing);
      }
      return universalResponseToNodeResponse(await route(call), response);
    }
    const page = pages.get(path);
    if (page === undefined) {
      const isRpc = request.method === 'POST' && /^\/[\w.]+\/\w+$/.test(path);
      if (isRpc) return sendRpcUnknown(request, response, path);
      return sendFailure(response, 404, pathUnknown);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return sendFailure(response, 405, methodUnknown);
    }
    return page(response);
  }

  return (request, response) => {
    // A response whose peer goes away says so by an error, which is nobody's fault.
    response.on('error', () => undefined);
    serve(request, response).catch((error: unknown) => {
      if (!response.headersSent && !response.destroyed) {
        log.error({ err: error, path: request.url }, 'an HTTP request could not be answered');
        sendFailure(response, 500, failure(statusCode.INTERNAL, 'INTERNAL', 'an internal error'));
      } else {
        // Most of all that the peer hung up.
        log.debug({ err: error, path: request.url }, 'an answer was cut short');
        response.destroy();
      }
    });
  };
}

function hostOf(request: HttpRequest): string {
  const authority = 'authority' in request ? request.authority : (request.headers.host ?? '');
  return authority.replace(/:\d*$/, '').toLowerCase();
}

/** Undefined where no URL can be made of what the request says of itself. */
function toCall(request: HttpRequest, response: HttpResponse): UniversalServerRequest | undefined {
  try {
    const call = universalRequestFromNodeRequest(request, response, undefined, undefined);
    shortenTimeout(call.header);
    return call;
  } catch {
    return undefined;
  }
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000 };
/** The longest that a timer of Node waits: with more it fires at once. */
const longestTimerMs = 2 ** 31 - 1;

function shortenTimeout(header: Headers): void {
  if (Number(header.get('connect-timeout-ms')) > longestTimerMs) {
    header.set('connect-timeout-ms', String(longestTimerMs));
  }
  const [, count = '0', unit = ''] =
    /^(\d{1,8})([HMS])$/.exec(header.get('grpc-timeout') ?? '') ?? [];
  if (Number(count) * (unitMs[unit] ?? 0) > longestTimerMs) {
    header.set('grpc-timeout', `${Math.floor(longestTimerMs / 1000)}S`);
  }
}

function sendJson(response: HttpResponse, status: number, body: object): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(body));
}
