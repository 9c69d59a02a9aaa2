use highwater_model::Report;

/// Which document a run is written up as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// What the cluster does while nothing breaks.
    PerformanceBaseline,
    /// What becomes of records when something breaks.
    DeliveryGuarantees,
}

impl Document {
    /// The document that fits a run: about guarantees as soon as something was broken on purpose.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let broken = |scenario: &highwater_model::ScenarioReport| {
            !scenario.faults.is_empty() || !scenario.rules.is_empty()
        };
        if report.name == "kafka-delivery" || report.scenarios.iter().any(broken) {
            Self::DeliveryGuarantees
        } else {
            Self::PerformanceBaseline
        }
    }

    /// Name of the file.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::PerformanceBaseline => "performance-baseline.md",
            Self::DeliveryGuarantees => "delivery-guarantees.md",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::PerformanceBaseline => "Performance baseline",
            Self::DeliveryGuarantees => "Delivery guarantees",
        }
    }
}
