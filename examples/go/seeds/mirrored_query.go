package main

import (
	"fmt"
	"math/rand"
	"time"
)

func main() {
	fmt.Println(mirroredQuery())
}

func mirroredQuery() string {
	responses := make(chan string, 3)
	go func() { responses <- request("asia.gopl.io") }()
	go func() { responses <- request("europe.gopl.io") }()
	go func() { responses <- request("americas.gopl.io") }()
	return <-responses // return the quickest response
}

func request(hostname string) (response string) {
	time.Sleep(time.Duration(rand.Int63n(100)) * time.Millisecond)
	return "response from " + hostname
}
