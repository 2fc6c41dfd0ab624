//! Instants on the wire, as every face that speaks JSON writes them.

pub use crate::time::Time;
