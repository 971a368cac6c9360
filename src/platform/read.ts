import { CommandLogService } from '../gen/cipherhorizon/platform/v1/command_log_pb.ts';
import { ProcessQueryService } from '../gen/cipherhorizon/platform/v1/processes_pb.ts';
import type { ReadContext } from '../read/kit.ts';
import { commandLogQueries } from './views/command-log-queries.ts';
import { processQueries } from './views/process-queries.ts';

/** The read side of the platform itself. */
export const platformRead: ReadContext = {
  service: CommandLogService,
  queries: commandLogQueries,
};

/** Processes that span aggregates, for operators. */
export const processRead: ReadContext = {
  service: ProcessQueryService,
  queries: processQueries,
};
