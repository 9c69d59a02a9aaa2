use super::super::story::words;
use crate::history::{Isolation, Names, Options, check, read, read::edn};

fn found(text: &str) -> Vec<String> {
    let (mut names, mut steps) = (Names::default(), Vec::new());
    edn(
        &mut text.as_bytes(),
        Isolation::Committed,
        &mut names,
        &mut |step| {
            steps.push(step);
        },
    )
    .unwrap();
    let options = Options {
        read_from_start: true,
        ..Options::default()
    };
    check(&steps, options).iter().map(words).collect()
}

#[test]
fn operations_of_all_kinds() {
    let cases: [(&str, &str, &[&str]); 7] = [
        ("nothing", "", &[]),
        (
            "lines, a nemesis, and what belongs to nothing",
            "{:type :invoke :process 0 :f :send :value [[:send 7 1]]}\n\
             {:type :ok :process 0 :f :send :value [[:send 7 [0 1]]]}\n\
             {:type :info :process :nemesis :f :kill :value nil}\n\
             {:type :info :process 3 :f :crash :value nil}\n\
             {:type :ok :process 1 :f :poll :value [[:poll {7 [[0 1]]}]], :extra #{1}}",
            &[],
        ),
        (
            "one vector, lost below the highest read",
            "[{:index 1, :type :ok, :process 0, :f :send, :value [[:send 7 [0 1]]]}\n\
              {:index 3, :type :ok, :process 0, :f :send, :value [[:send 7 [1 2]]]}\n\
              {:index 5, :type :ok, :process 1, :f :poll, :value [[:poll {7 [[1 2]]}]]}]",
            &["lost-write 0:1@0"],
        ),
        (
            "a send that never ended is no phantom",
            "{:type :invoke, :process 0, :f :send, :value [[:send 7 1]]}\n\
             {:type :invoke, :process 4, :f :send, :value [[:send 7 2]]}\n\
             {:type :ok, :process 1, :f :poll, :value [[:poll {7 [[0 1]]}]]}",
            &[],
        ),
        (
            "an info without a value did what it began",
            "{:type :invoke, :process 0, :f :send, :value [[:send 7 1]]}\n\
             {:type :info, :process 0, :f :send, :value nil}\n\
             {:type :ok, :process 1, :f :poll, :value [[:poll {7 [[0 1] [0 1]]}]]}",
            &["int-nonmonotonic-poll 0:1@0 0:1@0"],
        ),
        (
            "a rebalance inside of an operation",
            "{:type :ok, :process 0, :f :send, :value [[:send 7 [0 1]] [:send 7 [1 2]]]}\n\
             {:type :ok, :process 1, :f :poll, :value [[:poll {7 [[0 1] [1 2]]}] [:poll {7 [[0 1]]}]], \
              :rebalance-log [{:keys [7]}]}",
            &[],
        ),
        (
            "a failed assign keeps positions",
            "{:type :ok, :process 0, :f :send, :value [[:send 7 [0 1]] [:send 7 [1 2]]]}\n\
             {:type :ok, :process 1, :f :poll, :value [[:poll {7 [[0 1] [1 2]]}]]}\n\
             {:type :fail, :process 1, :f :assign, :value [8]}\n\
             {:type :ok, :process 1, :f :poll, :value [[:poll {7 [[0 1]]}]]}",
            &["nonmonotonic-poll 0:2@1 0:1@0"],
        ),
    ];
    for (name, text, expected) in cases {
        assert_eq!(found(text), expected, "{name}");
    }
}

#[test]
fn values_of_all_kinds_are_shown_as_written() {
    let text = "{:type :ok, :process 0, :f :txn, :value [[:send :x :a] [:send \"y\" -3] [:send 4 007]]}";
    let (mut names, mut shown) = (Names::default(), Vec::new());
    let mut steps = Vec::new();
    edn(
        &mut text.as_bytes(),
        Isolation::Committed,
        &mut names,
        &mut |step| {
            steps.push(step);
        },
    )
    .unwrap();
    for step in steps {
        if let crate::history::What::Operation(operation) = step.what {
            for action in operation.actions {
                if let crate::history::Action::Send { partition, value, .. } = action {
                    shown.push(format!(
                        "{} {}",
                        names.of_partition(partition),
                        names.of_value(value)
                    ));
                }
            }
        }
    }
    assert_eq!(shown, [":x :a", "\"y\" -3", "4 007"]);
}

#[test]
fn what_is_not_understood_names_line_and_remedy() {
    for (text, message) in [
        (
            "\n{:a 1}",
            "line 2: an entry without :type or :process; an entry is a map like",
        ),
        ("{:type :done, :process 0}", "line 1: the type `:done`; types are"),
        (
            "{:type :ok, :process 0, :f :txn, :value [[:append 1 2]]}",
            "the workload for Kafka has [:send key value]",
        ),
        (
            "{:type :ok, :process 0, :f :poll, :value [[:poll {1 [[0]]}]]}",
            "line 1: the micro-operation",
        ),
    ] {
        let error = edn(
            &mut text.as_bytes(),
            Isolation::Committed,
            &mut Names::default(),
            &mut |_| {},
        )
        .expect_err(text)
        .to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    let tally = edn(
        &mut "{:type :invoke, :process 0, :f :poll, :value [[:poll]]} {:type :ok, :process 1, :f :read}"
            .as_bytes(),
        Isolation::Committed,
        &mut Names::default(),
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(
        tally,
        read::Tally {
            steps: 1,
            passed_over: 1,
            unfinished: 1
        }
    );
}
