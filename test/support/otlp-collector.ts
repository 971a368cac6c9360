import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

// A collector of traces: takes what OTLP over HTTP sends, and keeps the spans.

export type CollectedSpan = {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly durationNs: bigint;
  readonly attributes: Readonly<Record<string, string | bigint>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
};

export type Collector = {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  readonly stop: () => Promise<void>;
};

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const isTraces = request.method === 'POST' && request.url === '/v1/traces';
    if (isTraces) spans.push(...readRequest(body));
    response.writeHead(isTraces ? 200 : 404, { 'content-type': 'application/x-protobuf' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

// https://github.com/open-telemetry/opentelemetry-proto, opentelemetry/proto/trace/v1/trace.proto

function readRequest(bytes: Uint8Array): CollectedSpan[] {
  return many(fieldsOf(bytes), 1).flatMap((resourceSpans) => {
    const parts = fieldsOf(resourceSpans);
    const resource = attributesOf(many(fieldsOf(bytesOf(parts, 1)), 1));
    const spans = many(parts, 2).flatMap((scopeSpans) => many(fieldsOf(scopeSpans), 2));
    return spans.map((span) => readSpan(String(resource['service.name']), span));
  });
}

function readSpan(service: string, bytes: Uint8Array): CollectedSpan {
  const span = fieldsOf(bytes);
  return {
    service,
    name: Buffer.from(bytesOf(span, 5)).toString(),
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentSpanId: hex(span, 4),
    durationNs: numberOf(span, 8) - numberOf(span, 7),
    attributes: attributesOf(many(span, 9)),
    links: many(span, 13).map((link) => {
      const fields = fieldsOf(link);
      return { traceId: hex(fields, 1), spanId: hex(fields, 2) };
    }),
  };
}

type Fields = ReadonlyMap<number, readonly (Uint8Array | bigint)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (Uint8Array | bigint)[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const values = fields.get(field) ?? [];
    fields.set(field, values);
    if (type === WireType.LengthDelimited) values.push(reader.bytes());
    else if (type === WireType.Bit64) values.push(BigInt(reader.fixed64()));
    else if (type === WireType.Varint) values.push(BigInt(reader.uint64()));
    else reader.skip(type, field);
  }
  return fields;
}

function many(fields: Fields, field: number): Uint8Array[] {
  return (fields.get(field) ?? []).filter((value) => typeof value !== 'bigint');
}

function bytesOf(fields: Fields, field: number): Uint8Array {
  return many(fields, field)[0] ?? new Uint8Array();
}

function hex(fields: Fields, field: number): string {
  return Buffer.from(bytesOf(fields, field)).toString('hex');
}

function numberOf(fields: Fields, field: number): bigint {
  const [value] = fields.get(field) ?? [];
  return typeof value === 'bigint' ? value : 0n;
}

/** Those that are texts or whole numbers. */
function attributesOf(entries: readonly Uint8Array[]): Record<string, string | bigint> {
  const pairs = entries.map((entry): [string, string | bigint] => {
    const fields = fieldsOf(entry);
    const value = fieldsOf(bytesOf(fields, 2));
    const text = many(value, 1)[0];
    return [
      Buffer.from(bytesOf(fields, 1)).toString(),
      text === undefined ? numberOf(value, 3) : Buffer.from(text).toString(),
    ];
  });
  return Object.fromEntries(pairs);
}
