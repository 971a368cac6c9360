import { randomUUID } from 'node:crypto';
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { wireRevision } from './errors.ts';
import type { WireEvent } from './log.ts';
import { Empty, identifierOf, uuidMessage } from './messages.ts';
import { originalEvent, type ResolvedEvent } from './reading.ts';

const { ReadResp: Answer } = streamsPb;

export function eventAnswer(resolved: ResolvedEvent, structuredIds: boolean): ReadResp {
  const answer = new Answer.ReadEvent();
  const { event, link } = resolved;
  if (event !== undefined) answer.setEvent(recorded(event, structuredIds));
  if (link !== undefined) answer.setLink(recorded(link, structuredIds));
  answer.setCommitPosition(String(originalEvent(resolved).position));
  return new Answer().setEvent(answer);
}

const ticksPerMillisecond = 10_000;

function recorded(event: WireEvent, structuredIds: boolean): ReadResp.ReadEvent.RecordedEvent {
  const position = String(event.position);
  const message = new Answer.ReadEvent.RecordedEvent()
    .setId(uuidMessage(event.id, structuredIds))
    .setStreamIdentifier(identifierOf(event.stream))
    .setStreamRevision(wireRevision(event.revision))
    .setCommitPosition(position)
    .setPreparePosition(position)
    .setData(event.data)
    .setCustomMetadata(event.metadata);
  const properties = message.getMetadataMap();
  properties.set('type', event.type);
  properties.set('created', String(event.storedAt * ticksPerMillisecond));
  properties.set('content-type', event.isJson ? 'application/json' : 'application/octet-stream');
  return message;
}

export function confirmation(): ReadResp {
  const message = new Answer.SubscriptionConfirmation().setSubscriptionId(randomUUID());
  return new Answer().setConfirmation(message);
}

export function streamNotFound(stream: string): ReadResp {
  const message = new Answer.StreamNotFound().setStreamIdentifier(identifierOf(stream));
  return new Answer().setStreamNotFound(message);
}

export function firstStreamPosition(revision: number): ReadResp {
  return new Answer().setFirstStreamPosition(String(revision));
}

export function lastStreamPosition(revision: number): ReadResp {
  return new Answer().setLastStreamPosition(String(revision));
}

export function checkpoint(position: number): ReadResp {
  const text = String(position);
  const message = new Answer.Checkpoint().setCommitPosition(text).setPreparePosition(text);
  return new Answer().setCheckpoint(message);
}

export function caughtUp(): ReadResp {
  return new Answer().setCaughtUp(new Answer.CaughtUp());
}

export function fellBehind(): ReadResp {
  return new Answer().setFellBehind(new Answer.FellBehind());
}

export { Empty };
