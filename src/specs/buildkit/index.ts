/** BuildKit's services and messages. Generated from proto/ with protoc-gen-es; loaded only where builds use them. */
export * as apicaps from './generated/apicaps_pb.js';
export * as content from './generated/content_pb.js';
export * as control from './generated/control_pb.js';
export * as filesync from './generated/filesync_pb.js';
export * as fsutil from './generated/fsutil_pb.js';
export * as gateway from './generated/gateway_pb.js';
export * as pb from './generated/pb_pb.js';
export * as rpc from './generated/status_pb.js';
export * as secrets from './generated/secrets_pb.js';
export * as ssh from './generated/ssh_pb.js';
export * as upload from './generated/upload_pb.js';
