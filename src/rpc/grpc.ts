/** gRPC over connections that were taken over; loaded only where it is spoken. */
export { GrpcClient, type GrpcStream } from './grpc-client.ts';
export { GrpcError, grpcCode } from './grpc-message.ts';
export {
  type GrpcCall,
  type GrpcHandler,
  GrpcServer,
  type MethodVariant,
  serverStreaming,
  unary,
} from './grpc-server.ts';
