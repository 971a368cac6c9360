import { fromJson } from '@bufbuild/protobuf';
import { CommandMetadataSchema } from '../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { isRejection, reject } from '../src/kernel/rejection.ts';
import type { SendCommand } from '../src/process/ports.ts';
import type { CommandBus } from '../src/write/command-bus.ts';

/** The command bus, as processes send to it: as whom the process says, waiting for no view. */
export function createSendCommand(bus: CommandBus): SendCommand {
  return async (command, signal) => {
    const { commandId, type, payload, subject, roles, correlationId, causedBy } = command;
    const route = bus.catalogue.routes.get(type);
    const field = route?.schema.fields.find(
      ({ message }) => message?.typeName === CommandMetadataSchema.typeName,
    );
    if (route === undefined || field === undefined) {
      return reject('INVALID', 'COMMAND_UNKNOWN', `'${type}' is no command of this server`);
    }
    const synchronisation = { mode: 'SYNCHRONISATION_MODE_EVENTUAL' };
    const metadata = { commandId, correlationId, causationId: causedBy, synchronisation };
    const message = fromJson(route.schema, { ...(payload as object), [field.jsonName]: metadata });
    const principal = { subject, roles };
    const outcome = await bus.execute(route, message, {
      principal,
      signal,
      header: () => undefined,
    });
    if (isRejection(outcome)) return outcome;
    const { aggregateId, stream, revision, events } = outcome;
    const eventIds = events.map(({ eventId }) => eventId);
    return { commandId, aggregateId, stream, revision: Number(revision), eventIds };
  };
}
