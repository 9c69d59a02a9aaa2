//! Pure checking: the account of records, anomalies, verdicts.
