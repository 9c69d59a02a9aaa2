/// What the brute-force oracle said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OracleRow {
    /// Histories judged by both.
    pub histories: u64,
    /// Which histories those are, in words.
    pub space: &'static str,
    /// Histories of which the checkers and the oracle think differently, in words.
    pub disagreements: Vec<String>,
}
