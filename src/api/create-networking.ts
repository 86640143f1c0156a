/** `NetworkingConfig` of a create body. Clients send it always; what is in it needs networks, which come later. */
import { errors } from './errors.ts';

/** Throws `api.unsupported` for what an endpoint is asked to have. The networks' names are the mode's, and no wish. */
export function refuseEndpointSettings(config: { readonly EndpointsConfig?: object | null } | null | undefined): void {
  for (const [network, settings] of Object.entries(config?.EndpointsConfig ?? {})) {
    for (const [field, value] of Object.entries((settings ?? {}) as Readonly<Record<string, unknown>>)) {
      if (isWish(value)) {
        throw errors.unsupported(`NetworkingConfig.EndpointsConfig.${network}.${field}`, 'leave it out');
      }
    }
  }
}

function isWish(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return false;
  if (typeof value !== 'object') return true;
  return Object.values(value).some(isWish);
}
