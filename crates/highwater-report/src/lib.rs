//! Reports for people and machines: functions of the event stream.
