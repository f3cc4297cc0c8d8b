// Package keys lists the dynamic configuration settings of the Temporal server that a program links.
package keys

import (
	"fmt"
	"reflect"
	"sync/atomic"
	"time"
	_ "unsafe" // for go:linkname

	"go.temporal.io/server/common/dynamicconfig"
)

// laidOutAt is the version whose registry was read to declare ours: look at it again before raising this.
const laidOutAt = "v1.31.2"

// The server's registry, which has no exported way to list it.
//
//go:linkname registry go.temporal.io/server/common/dynamicconfig.globalRegistry
var registry struct {
	settings map[dynamicconfig.Key]dynamicconfig.GenericSetting
	queried  atomic.Bool
}

// registered maps the key of each setting, in lower case, to the kind of its value.
func registered() map[string]string {
	kinds := make(map[string]string, len(registry.settings))
	for key, setting := range registry.settings {
		kinds[key.String()] = kind(setting)
	}
	return kinds
}

// kind names the value of a setting as its constructor does: NewGlobalIntSetting makes an Int. Those
// that NewGlobalTypedSetting and the like make for a type of their own are Typed.
func kind(setting dynamicconfig.GenericSetting) string {
	// Each has a function that converts what a file says into (T, error).
	convert, ok := reflect.TypeOf(setting).FieldByName("convert")
	if !ok {
		panic(fmt.Sprintf("%T has no converter", setting))
	}
	switch convert.Type.Out(0) {
	case reflect.TypeFor[bool]():
		return "Bool"
	case reflect.TypeFor[int]():
		return "Int"
	case reflect.TypeFor[float64]():
		return "Float"
	case reflect.TypeFor[string]():
		return "String"
	case reflect.TypeFor[time.Duration]():
		return "Duration"
	case reflect.TypeFor[map[string]any]():
		return "Map"
	}
	return "Typed"
}
