//! Small assessments for tests.
