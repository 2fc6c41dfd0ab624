//! Tests of real pages.
