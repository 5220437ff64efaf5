// Command psec-go is an independent peer for the scheme p2pke-1.
package main

func main() {}
