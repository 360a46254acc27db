//! The test bed.

pub mod bed;
pub mod cloud_map;
pub mod generated;
pub mod operator;
pub mod scene;
