// A broker passes each message on to all who have subscribed to its topic.
package main

import (
	"fmt"
	"sync"
)

type broker struct {
	mu     sync.RWMutex
	topics map[string][]chan string
	closed bool
}

func newBroker() *broker {
	return &broker{topics: make(map[string][]chan string)}
}

// subscribe returns a channel with room for a few messages.
func (b *broker) subscribe(topic string) <-chan string {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := make(chan string, 4)
	b.topics[topic] = append(b.topics[topic], c)
	return c
}

// publish tells how many have got the message.
func (b *broker) publish(topic, message string) int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return 0
	}
	for _, c := range b.topics[topic] {
		c <- message
	}
	return len(b.topics[topic])
}

// close ends all subscriptions.
func (b *broker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.closed = true
	for _, subscribers := range b.topics {
		for _, c := range subscribers {
			close(c)
		}
	}
}

type reader struct {
	name   string
	topics []string
}

// read collects what comes for one reader, topic by topic.
func (r reader) read(subscriptions []<-chan string, done chan<- []string) {
	var lines []string
	for i, c := range subscriptions {
		for message := range c {
			lines = append(lines, fmt.Sprintf("%s reads in %s: %s", r.name, r.topics[i], message))
		}
	}
	done <- lines
}

func main() {
	b := newBroker()
	readers := []reader{
		{"ann", []string{"go", "rust"}},
		{"bob", []string{"go"}},
		{"cid", []string{"rust"}},
	}
	var done []chan []string
	for _, r := range readers {
		var subscriptions []<-chan string
		for _, topic := range r.topics {
			subscriptions = append(subscriptions, b.subscribe(topic))
		}
		c := make(chan []string)
		done = append(done, c)
		go r.read(subscriptions, c)
	}

	publish := func(topic, message string) {
		fmt.Printf("%q goes to %d\n", message, b.publish(topic, message))
	}
	for _, message := range []string{"generics", "iterators", "synctest"} {
		publish("go", message)
	}
	publish("rust", "let chains")
	publish("zig", "comptime")
	b.close()
	publish("go", "too late")

	for _, c := range done {
		for _, line := range <-c {
			fmt.Println(line)
		}
	}
}
