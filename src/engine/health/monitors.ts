/** What ends the loops that watch containers' health, by container. */
export type HealthMonitors = Map<string, AbortController>;
