//! What was sent, and what came.

/// A message: which sender, which number.
pub(crate) type Message = (u32, u64);

/// Adds messages up so that a lost, doubled or changed one shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    count: u64,
    sum: u64,
    hashes: u64,
}

impl Tally {
    /// One more message.
    pub(crate) fn add(&mut self, (sender, number): Message) {
        let word = (u64::from(sender) << 40) + number;
        self.count += 1;
        self.sum = self.sum.wrapping_add(word);
        // The last step of splitmix64: sums of it agree by chance once in 2^64.
        let mut hash = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.hashes = self.hashes.wrapping_add(hash ^ (hash >> 31));
    }

    /// Adds another one's messages.
    pub(crate) fn merge(&mut self, other: &Tally) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
        self.hashes = self.hashes.wrapping_add(other.hashes);
    }
}

/// What one receiver got.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) tally: Tally,
    /// The number that each sender's next message must have at least.
    next: Vec<u64>,
}

impl Taken {
    pub(crate) fn new(senders: u32) -> Self {
        Self {
            tally: Tally::default(),
            next: vec![0; senders as usize],
        }
    }

    /// One more message.
    ///
    /// # Errors
    ///
    /// If a later one of its sender has come before.
    pub(crate) fn take(&mut self, message: Message) -> Result<(), String> {
        let (sender, number) = message;
        let next = &mut self.next[sender as usize];
        if number < *next {
            return Err(format!(
                "message {number} of sender {sender} came after {}",
                *next - 1
            ));
        }
        *next = number + 1;
        self.tally.add(message);
        Ok(())
    }
}
