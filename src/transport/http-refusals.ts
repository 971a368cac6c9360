import type { ConnectError } from '@connectrpc/connect';
import { endStreamFlag, endStreamToJson, errorToJson } from '@connectrpc/connect/protocol-connect';
import { setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { connectError } from './connect-errors.ts';
import type { HttpRequest, HttpResponse } from './http-listener.ts';
import { rpcUnknown } from './outside.ts';
import type { Failure } from './status.ts';

/** Answers with the failure as a unary call of Connect has it. */
export function sendFailure(response: HttpResponse, status: number, failure: Failure): void {
  send(response, status, 'application/json', JSON.stringify(bodyOf(connectError(failure))));
}

/** Answers an RPC that is not there, in the protocol of the request. */
export function sendRpcUnknown(request: HttpRequest, response: HttpResponse, path: string): void {
  const error = connectError(rpcUnknown(path));
  const type = request.headers['content-type'] ?? '';
  if (/^application\/grpc-web\b/.test(type)) {
    setTrailerStatus(new Headers(), error).forEach((value, name) => {
      response.setHeader(name, value);
    });
    send(response, 200, type, '');
  } else if (/^application\/connect\+/.test(type)) {
    send(response, 200, type, lastEnvelope(error));
  } else {
    send(response, 404, 'application/json', JSON.stringify(bodyOf(error)));
  }
}

function bodyOf(error: ConnectError) {
  return errorToJson(error, undefined);
}

/** The end of a stream that has no message. */
function lastEnvelope(error: ConnectError): Buffer {
  const json = JSON.stringify(endStreamToJson(new Headers(), error, undefined));
  const head = Buffer.alloc(5);
  head.writeUInt8(endStreamFlag, 0);
  head.writeUInt32BE(Buffer.byteLength(json), 1);
  return Buffer.concat([head, Buffer.from(json)]);
}

function send(response: HttpResponse, status: number, type: string, body: string | Buffer): void {
  response.statusCode = status;
  response.setHeader('Content-Type', type);
  response.end(body);
}
