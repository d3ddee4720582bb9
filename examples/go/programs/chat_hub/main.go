// A chat: one goroutine knows who is in the room and passes on what is said; each client has a
// goroutine that reads what comes for it.
package main

import (
	"fmt"
	"sync"
)

type client struct {
	name string
	out  chan string
}

type said struct {
	by   string
	text string
}

type hub struct {
	entering chan client
	leaving  chan client
	messages chan said
}

// run is the only one that touches the set of clients.
func (h *hub) run() {
	clients := make(map[string]client)
	broadcast := func(line string) {
		for _, c := range clients {
			c.out <- line
		}
	}
	for {
		select {
		case c := <-h.entering:
			broadcast(c.name + " has arrived")
			clients[c.name] = c
			c.out <- fmt.Sprintf("%d others are here", len(clients)-1)
		case c := <-h.leaving:
			delete(clients, c.name)
			close(c.out)
			broadcast(c.name + " has left")
		case m := <-h.messages:
			broadcast(m.by + ": " + m.text)
		}
	}
}

// join enters the room and collects what the client sees there.
func (h *hub) join(name string, seen *[]string, wg *sync.WaitGroup) client {
	c := client{name, make(chan string)}
	wg.Add(1)
	go func() {
		defer wg.Done()
		for line := range c.out {
			*seen = append(*seen, line)
		}
	}()
	h.entering <- c
	return c
}

func main() {
	h := &hub{make(chan client), make(chan client), make(chan said)}
	go h.run()

	var wg sync.WaitGroup
	var anna, ben, carl []string
	a := h.join("anna", &anna, &wg)
	b := h.join("ben", &ben, &wg)
	h.messages <- said{"anna", "hello ben"}
	c := h.join("carl", &carl, &wg)
	h.messages <- said{"ben", "hello both"}
	h.leaving <- a
	h.messages <- said{"carl", "bye anna"}
	h.leaving <- b
	h.leaving <- c
	wg.Wait()

	for _, seen := range []struct {
		name  string
		lines []string
	}{{"anna", anna}, {"ben", ben}, {"carl", carl}} {
		fmt.Printf("%s saw:\n", seen.name)
		for _, line := range seen.lines {
			fmt.Println("  " + line)
		}
	}
}
