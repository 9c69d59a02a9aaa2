//! Strongly connected components, in time and memory linear in nodes and edges (Tarjan, without recursion).

/// A directed graph of numbered nodes, as lists of successors one behind the other.
#[derive(Debug)]
pub(super) struct Graph {
    first: Vec<u32>,
    successors: Vec<u32>,
}

/// Not visited, not on a path.
const NONE: u32 = u32::MAX;

impl Graph {
    /// The graph of that many nodes with these edges.
    pub(super) fn new(nodes: usize, edges: &[(u32, u32)]) -> Self {
        let mut first = vec![0u32; nodes + 1];
        for (from, _) in edges {
            first[*from as usize + 1] += 1;
        }
        for node in 0..nodes {
            first[node + 1] += first[node];
        }
        let mut next = first.clone();
        let mut successors = vec![0; edges.len()];
        for (from, to) in edges {
            let slot = &mut next[*from as usize];
            successors[*slot as usize] = *to;
            *slot += 1;
        }
        Self { first, successors }
    }

    pub(super) fn successors(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.successors[self.first[node] as usize..self.first[node + 1] as usize]
    }

    /// Components of more than one node, each sorted.
    pub(super) fn components(&self) -> Vec<Vec<u32>> {
        let nodes = self.first.len() - 1;
        let mut search = Search {
            graph: self,
            order: vec![NONE; nodes],
            low: vec![0; nodes],
            stack: Vec::new(),
            found: Vec::new(),
            visited: 0,
        };
        for node in 0..nodes as u32 {
            if search.order[node as usize] == NONE && !self.successors(node).is_empty() {
                search.from(node);
            }
        }
        search.found
    }

    /// A shortest way from one node to another inside a sorted component: nodes, both ends included.
    pub(super) fn path(&self, component: &[u32], from: u32, to: u32) -> Option<Vec<u32>> {
        let place = |node: u32| component.binary_search(&node).ok();
        let mut came_from = vec![NONE; component.len()];
        let mut queue = std::collections::VecDeque::from([from]);
        came_from[place(from)?] = from;
        while let Some(node) = queue.pop_front() {
            if node == to {
                let mut path = vec![to];
                while let Some(last) = path.last().copied().filter(|last| *last != from) {
                    path.push(came_from[place(last)?]);
                }
                path.reverse();
                return Some(path);
            }
            for next in self.successors(node) {
                if let Some(slot) = place(*next)
                    && came_from[slot] == NONE
                {
                    came_from[slot] = node;
                    queue.push_back(*next);
                }
            }
        }
        None
    }
}

struct Search<'a> {
    graph: &'a Graph,
    /// When a node was visited; `DONE` once its component is known.
    order: Vec<u32>,
    low: Vec<u32>,
    stack: Vec<u32>,
    found: Vec<Vec<u32>>,
    visited: u32,
}

/// Its component is known.
const DONE: u32 = NONE - 1;

impl Search<'_> {
    fn enter(&mut self, node: u32) {
        self.order[node as usize] = self.visited;
        self.low[node as usize] = self.visited;
        self.visited += 1;
        self.stack.push(node);
    }

    fn from(&mut self, root: u32) {
        // Nodes on the way down, each with the next of its successors.
        let mut way = vec![(root, 0usize)];
        self.enter(root);
        while let Some((node, next)) = way.last_mut() {
            let node = *node;
            let successor = self.graph.successors(node).get(*next).copied();
            *next += 1;
            match successor {
                Some(to) if self.order[to as usize] == NONE => {
                    self.enter(to);
                    way.push((to, 0));
                }
                Some(to) => {
                    let order = self.order[to as usize];
                    if order != DONE {
                        self.low[node as usize] = self.low[node as usize].min(order);
                    }
                }
                None => {
                    way.pop();
                    if let Some((above, _)) = way.last() {
                        let low = self.low[node as usize];
                        self.low[*above as usize] = self.low[*above as usize].min(low);
                    }
                    self.leave(node);
                }
            }
        }
    }

    fn leave(&mut self, node: u32) {
        if self.low[node as usize] != self.order[node as usize] {
            return;
        }
        let from = self.stack.iter().rposition(|on| *on == node).unwrap_or(0);
        let mut component = self.stack.split_off(from);
        for member in &component {
            self.order[*member as usize] = DONE;
        }
        if component.len() > 1 {
            component.sort_unstable();
            self.found.push(component);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let edges: Vec<(u32, u32)> = (0..200_000).map(|node| (node, node + 1)).collect();
        assert!(Graph::new(200_001, &edges).components().is_empty());
        let ring: Vec<(u32, u32)> = (0..200_000).map(|node| (node, (node + 1) % 200_000)).collect();
        let graph = Graph::new(200_000, &ring);
        assert_eq!(graph.components().len(), 1);
        let all: Vec<u32> = (0..200_000).collect();
        assert_eq!(graph.path(&all, 1, 0).map(|path| path.len()), Some(200_000));
    }

    proptest! {
        /// Two nodes are in a component if and only if each reaches the other.
        #[test]
        fn components_are_what_reaches_each_other(
            edges in proptest::collection::vec((0u32..9, 0u32..9), 0..24)
        ) {
            let graph = Graph::new(9, &edges);
            let mut reach = [[false; 9]; 9];
            for (from, to) in &edges {
                reach[*from as usize][*to as usize] = true;
            }
            for via in 0..9 {
                for from in 0..9 {
                    for to in 0..9 {
                        reach[from][to] |= reach[from][via] && reach[via][to];
                    }
                }
            }
            let components = graph.components();
            for a in 0u32..9 {
                for b in (0u32..9).filter(|b| *b != a) {
                    let together = components.iter().any(|all| all.contains(&a) && all.contains(&b));
                    prop_assert_eq!(together, reach[a as usize][b as usize] && reach[b as usize][a as usize]);
                }
            }
            for all in &components {
                let path = graph.path(all, all[0], all[1]).unwrap();
                prop_assert!(path.windows(2).all(|pair| graph.successors(pair[0]).contains(&pair[1])));
            }
        }
    }
}
