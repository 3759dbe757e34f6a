package embedded_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/store/embedded"
)

func ExampleOpen() {
	engine, err := embedded.Open(context.Background(), embedded.Options{Dir: "data"})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	conn, err := clickhouse.Open(&clickhouse.Options{
		Protocol: clickhouse.HTTP,
		Addr:     []string{"embedded"}, // any name: nothing is dialled
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) {
			return engine, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(conn.ServerVersion())
}

func ExampleDialTransport() {
	conn, err := clickhouse.Open(&clickhouse.Options{
		Protocol: clickhouse.HTTP,
		Addr:     []string{"engine"}, // any name: the socket is dialled
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) {
			return embedded.DialTransport(embedded.SocketPath("data")), nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(conn.ServerVersion())
}
