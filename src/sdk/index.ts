/** What programs import: `skiff/client` is the module client, `skiff/engine` is this. */
export { type Engine, type EngineOptions, openEngine } from './engine.ts';
