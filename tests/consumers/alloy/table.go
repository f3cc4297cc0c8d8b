package main

import (
	_ "embed"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/grafana/alloy/syntax/alloytypes"
)

// What one component hands to another, and the configuration cannot look into.
type (
	MetricsReceiver struct{}
	LogsReceiver    struct{}
	RelabelRules    struct{}
)

func (MetricsReceiver) AlloyCapsule() {}
func (LogsReceiver) AlloyCapsule()    {}
func (RelabelRules) AlloyCapsule()    {}

var types = map[string]reflect.Type{
	"string":   reflect.TypeFor[string](),
	"secret":   reflect.TypeFor[alloytypes.Secret](),
	"bool":     reflect.TypeFor[bool](),
	"int":      reflect.TypeFor[int](),
	"uint":     reflect.TypeFor[uint](),
	"float64":  reflect.TypeFor[float64](),
	"number":   reflect.TypeFor[float64](),
	"duration": reflect.TypeFor[time.Duration](),

	"MetricsReceiver": reflect.TypeFor[MetricsReceiver](),
	"LogsReceiver":    reflect.TypeFor[LogsReceiver](),
	"RelabelRules":    reflect.TypeFor[RelabelRules](),
}

type (
	// body is what may stand between braces. The lists keep the table's order.
	body struct {
		attributes map[string]attribute
		blocks     map[string]block
		required   []string
	}
	attribute struct {
		kind reflect.Type
	}
	block struct {
		// body is nil if nothing is known of it.
		body     *body
		repeated bool
	}
	component struct {
		body     *body
		labelled bool
		exports  map[string]any
	}
)

//go:embed components.tsv
var text string

// components holds each by its name.
var components = read(text)

// read panics about a wrong table: it is part of the program.
func read(text string) map[string]component {
	components := make(map[string]component)
	bodies := make(map[string]*body)
	named := func(name string) *body {
		if name == "@open" {
			return nil
		}
		if bodies[name] == nil {
			bodies[name] = &body{attributes: make(map[string]attribute), blocks: make(map[string]block)}
		}
		return bodies[name]
	}
	var includes [][2]string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(line, "\t")
		if len(columns) != 5 {
			panic(fmt.Sprintf("%q has not 5 columns", line))
		}
		where, what, name, kind, need := columns[0], columns[1], columns[2], columns[3], columns[4]
		into := named(where)
		switch what {
		case "component":
			components[where] = component{body: into, labelled: need == "labelled", exports: make(map[string]any)}
		case "export":
			components[where].exports[name] = reflect.New(kindOf(kind)).Elem().Interface()
		case "attribute":
			into.attributes[name] = attribute{kind: kindOf(kind)}
			if need == "required" {
				into.required = append(into.required, name)
			}
		case "block":
			own := kind
			if own == "-" {
				own = where + "/" + name
			}
			into.blocks[name] = block{body: named(own), repeated: need == "repeated"}
		case "include":
			includes = append(includes, [2]string{where, name})
		default:
			panic(fmt.Sprintf("%q has no kind", line))
		}
	}
	// One that is included may include another itself, a line later.
	for range 2 {
		for _, include := range includes {
			into, from := named(include[0]), named(include[1])
			for name, attribute := range from.attributes {
				into.attributes[name] = attribute
			}
			for name, block := range from.blocks {
				into.blocks[name] = block
			}
		}
	}
	for name, body := range bodies {
		if len(body.attributes) == 0 && len(body.blocks) == 0 {
			panic(fmt.Sprintf("nothing stands in the body %s", name))
		}
	}
	return components
}

// kindOf is the Go type whose values Alloy's evaluation makes of this type of the reference.
func kindOf(name string) reflect.Type {
	if inner, ok := strings.CutPrefix(name, "list("); ok {
		return reflect.SliceOf(kindOf(strings.TrimSuffix(inner, ")")))
	}
	if inner, ok := strings.CutPrefix(name, "map("); ok {
		return reflect.MapOf(types["string"], kindOf(strings.TrimSuffix(inner, ")")))
	}
	kind, ok := types[name]
	if !ok {
		panic(fmt.Sprintf("there is no type %s", name))
	}
	return kind
}
