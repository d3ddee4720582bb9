//! The whole public surface in the forms that programs elsewhere are written against, used as a
//! stranger would. Most of what this catches is caught by the compiler: a name that has gone, a
//! signature that has changed. That each thing does what it should is other tests' business.

mod channels;
mod packages;
mod root;
mod sync;
