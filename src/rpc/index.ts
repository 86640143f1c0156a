/** HTTP over sockets, both ends; knows no routes. */
export { readJson } from './body.ts';
export type { Incoming, Outgoing } from './exchange.ts';
export { createHttpServer, type HttpDoor, renewTls } from './http-server.ts';
export { header } from './header.ts';
export { type LocalAnswer, type LocalCall, type LocalDoor, localDoor } from './local-door.ts';
export { type Handler, type Match, type RequestContext, type Route, Router } from './router.ts';
export type { TlsSettings } from './tls.ts';
export { createWebServer, drain, type WebServer, type WebServerOptions } from './web-server.ts';
