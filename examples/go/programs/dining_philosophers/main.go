// Five philosophers share five forks, and each needs two of them to eat.
package main

import (
	"fmt"
	"sync"
	"time"
)

const (
	courses = 5
	bite    = time.Millisecond
)

type fork struct{ sync.Mutex }

type philosopher struct {
	name          string
	first, second *fork
	eaten         int
}

func (p *philosopher) dine(wg *sync.WaitGroup) {
	defer wg.Done()
	for range courses {
		p.eat()
		time.Sleep(bite) // thinks
	}
}

func (p *philosopher) eat() {
	p.first.Lock()
	defer p.first.Unlock()
	p.second.Lock()
	defer p.second.Unlock()
	time.Sleep(bite)
	p.eaten++
}

func main() {
	names := []string{"Plato", "Locke", "Pascal", "Kant", "Hume"}
	forks := make([]*fork, len(names))
	for i := range forks {
		forks[i] = new(fork)
	}

	philosophers := make([]*philosopher, len(names))
	for i, name := range names {
		// All take the fork with the lower number first: so nobody waits in a circle.
		left, right := i, (i+1)%len(names)
		philosophers[i] = &philosopher{
			name:   name,
			first:  forks[min(left, right)],
			second: forks[max(left, right)],
		}
	}

	var wg sync.WaitGroup
	for _, p := range philosophers {
		wg.Add(1)
		go p.dine(&wg)
	}
	wg.Wait()

	for _, p := range philosophers {
		fmt.Printf("%s has eaten %d times\n", p.name, p.eaten)
	}
	fmt.Println("the table is empty")
}
