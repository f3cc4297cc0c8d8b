//! What the strings of a Grafana dashboard say: variables and queries.
#![cfg_attr(not(test), expect(dead_code, reason = "dashboards are not described in the spec yet"))]

mod interpolation;
mod promql;
