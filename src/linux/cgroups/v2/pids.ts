/**
 * v2 `pids`: how many tasks there may be (Documentation/admin-guide/cgroup-v2.rst, "PID"). The files are those of v1.
 */
export { settings, stats } from '../v1/pids.ts';
