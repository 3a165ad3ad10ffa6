// Package oracle answers what the API server makes of a CEL expression.
//
// It is the API server's own compiler (apiserver pkg/admission/plugin/cel) in the API server's own environment, with the
// variables that a ValidatingAdmissionPolicy has. Two things are ours: how values are written down (value.go), and that
// maps iterate in key order (order.go).
//
// The package needs no kube-apiserver, so cmd/cel, which holds it alone, builds in a fraction of the time.
package oracle

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/version"
)

// Newest is the Kubernetes minor that this module's dependencies are.
const Newest = "1.36"

// longest is the longest question that is read, in bytes: an object that etcd takes has 1.5 MiB, a question two of them
// and more.
const longest = 64 << 20

// Question is a line of input. Inputs that are left out are null.
type Question struct {
	Expr string `json:"expr"`

	Object          map[string]any `json:"object"`
	OldObject       map[string]any `json:"oldObject"`
	Params          map[string]any `json:"params"`
	Request         map[string]any `json:"request"`
	NamespaceObject map[string]any `json:"namespaceObject"`

	// Variables are compiled in order, each seeing those before it.
	Variables []Variable `json:"variables"`
	// Mutation adds what only a MutatingAdmissionPolicy may write: Object{}, JSONPatch{}, jsonpatch.escapeKey().
	Mutation bool `json:"mutation"`
}

// Variable is an entry of a policy's spec.variables.
type Variable struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

// Answer is a line of output. Either Refused is there, or Cost and one of Value and Error.
type Answer struct {
	// Refused is why the API server does not accept the expression when a policy is created.
	Refused []Refusal `json:"refused,omitempty"`
	// Type is the expression's type as the checker sees it. A validation has to be a bool, a messageExpression a string,
	// to the letter, or the policy is refused: "must evaluate to bool but got <type>".
	Type string `json:"type,omitempty"`
	// Value is the outcome, see show.
	Value any `json:"value,omitempty"`
	// Error is the evaluation's error.
	Error string `json:"error,omitempty"`
	// Cost is what the expression and the variables that it read are charged.
	Cost *uint64 `json:"cost,omitempty"`
}

// Refusal is one issue of a compilation. Line and Column count from 1, columns in characters; both are 0 where the API
// server gives no position.
type Refusal struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// Serve answers line by line, in order, until the input ends. Answers are flushed when no further question has arrived,
// so that a person at a terminal sees them and a pipe stays fast.
func Serve(in io.Reader, out io.Writer, kubernetes string) error {
	compat, err := version.ParseGeneric(kubernetes)
	if err != nil {
		return fmt.Errorf("which Kubernetes is %q: %w", kubernetes, err)
	}
	o, err := newOracle(compat)
	if err != nil {
		return err
	}
	reader := bufio.NewReaderSize(in, 1<<20)
	writer := bufio.NewWriterSize(out, 1<<20)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	for {
		line, err := readLine(reader)
		if err == io.EOF {
			return writer.Flush()
		}
		if err != nil {
			return err
		}
		var question Question
		// The API server's own decoder: whole numbers become int64.
		if err := utiljson.Unmarshal(line, &question); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		if err := encoder.Encode(o.answer(question)); err != nil {
			return err
		}
		if reader.Buffered() == 0 {
			if err := writer.Flush(); err != nil {
				return err
			}
		}
	}
}

func readLine(reader *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, more, err := reader.ReadLine()
		if err != nil {
			return nil, err
		}
		line = append(line, part...)
		if len(line) > longest {
			return nil, fmt.Errorf("a line is longer than %d bytes", longest)
		}
		if !more {
			return line, nil
		}
	}
}
