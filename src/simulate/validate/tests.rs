//! The validators against recorded exchanges: what a provider accepted must be accepted here.

mod recorded;
