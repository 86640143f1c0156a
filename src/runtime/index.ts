/** OCI spec → plan → running process; the shim's protocol. */
export { compilePlan } from './plan/compile.ts';
