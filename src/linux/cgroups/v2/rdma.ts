/**
 * v2 `rdma`: handles and objects of RDMA devices (Documentation/admin-guide/cgroup-v2.rst, "RDMA"). As in v1.
 */
export { settings, stats } from '../v1/rdma.ts';
