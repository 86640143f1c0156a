/** The context that is not on disk: what variables, flags and the local daemon make of it. */
import type { CommandContext } from '../command.ts';
import { type ContextEndpoint, type ContextMeta, DEFAULT_CONTEXT, DOCKER } from './context-store.ts';
import { contextName, defaultTarget, hostVariable } from './current-context.ts';

/** compat: how Docker describes it. */
export const DEFAULT_DESCRIPTION = 'Current DOCKER_HOST based configuration';

export function defaultEndpoint({ globals, environment }: CommandContext): ContextEndpoint {
  const { host, tls } = defaultTarget(globals, environment);
  return { Host: host, SkipTLSVerify: tls?.verify === false };
}

export function defaultContext(context: CommandContext): ContextMeta {
  return { Name: DEFAULT_CONTEXT, Metadata: {}, Endpoints: { [DOCKER]: defaultEndpoint(context) } };
}

/** The name of the context in use. */
export const currentName = ({ globals, environment }: CommandContext): string => contextName(globals, environment);

/** The variable that names a host whatever context is in use, for warnings. */
export const overridingVariable = ({ environment }: CommandContext): string | undefined =>
  hostVariable(environment)?.name;
