//! The test bed.

pub mod bed;
pub mod cloud_map;
pub mod figures;
pub mod fixture;
pub mod generated;
pub mod golden;
pub mod operator;
pub mod pages;
pub mod pod;
