//! Pipelines, with and without defects.
