//! The policies that are built in: the files of `policies/`, listed by the build script so that a new file is noticed.

include!(concat!(env!("OUT_DIR"), "/policies.rs"));
